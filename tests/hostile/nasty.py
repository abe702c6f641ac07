"""Text that means something in one of the languages that specgraph writes."""

from __future__ import annotations

NASTY: tuple[str, ...] = (
    # Python
    '"""', "'''", '"\u200b"\u200b"; import os; os.system("echo ran"); "\u200b"\u200b"', "\\", '\\"""', '"', "'",
    "\\N{BULLET}",
    '""""""', "{x}", "%s%n", "\\x00", "\n    import os\n", "#", "x\\", "f'{1}'",
    # YAML and JSON
    "\ndefaults: {conv: {padding: 7}}\n# ", "# comment", ": ", "- a", "&anchor", "*alias",
    "!!python/object:os.system", "{a: b}",
    "[1, 2]", "null", "yes", "1e5", "0o17", "~", "---", "...", "|", ">", "%YAML 1.1", "@", "`", "? key", "<<",
    "a\u2028b", "a\u2029b", "a\x85b", "\ufeffa", "\ud800", "\U0001f600", "\U000e0041", "\uffff",
    # terminals
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x9d0;title\x9c", "over\rwritten", "\x07", "\x08\x08",
    "\x7f", "\x00",
    "\u202eright to left", "\u2066isolated", "tab\tbed", "\r\n",
    # GitHub
    "\n::error::injected", "::set-output name=a::b", "\r::warning::x", "%0A::error::x", "##[error]x",
    "\n  ::notice::x",
    # spreadsheets
    "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", '",=1,"', "\n=1",
    # HTML, SVG, DOT
    "<script>alert(1)</script>", "</title><script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "&#60;b&#62;",
    "]]>", "-->",
    "<!--", "'onload='alert(1)", '" onload="alert(1)', "</TD></TR></TABLE>>", ">];x [label=y",
    '"];evil [label="', "\\N\\G",
    # matplotlib
    "$x^$", "$", "\\$", "$\\frac{1}$", "_hidden", "a$b$c$",
    # paths and shells
    "../../etc/passwd", "$(touch ran)", "`touch ran`", "; touch ran", "-rf", "a/b", "CON", " ", "", "a" * 300,
)  # fmt: skip
PLAIN = "plain"
