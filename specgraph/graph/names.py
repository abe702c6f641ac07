"""Names: what a path may look like, and what a compiled module cannot bear."""

from __future__ import annotations

SEGMENT = r"[A-Za-z0-9_-]+"

MODULE_ATTRIBUTES = frozenset(
    [
        "T_destination",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
"""Attributes of `torch.nn.Module` without an underscore in front (a test holds it against torch)."""

TOP_LEVEL_ATTRIBUTES = frozenset(
    {
        "graph",
        "code",
        "meta",
        "recompile",
        "print_readable",
        "delete_all_unused_submodules",
        "delete_submodule",
        "add_submodule",
    }
)
"""What a traced module (`torch.fx.GraphModule`, `torch.export`) needs for itself at its top level."""


def reserved_reason(segment: str, *, top_level: bool) -> str | None:
    """Why a path segment cannot be a submodule's name, or None."""
    if segment in MODULE_ATTRIBUTES or segment.startswith("__"):
        return "torch.nn.Module has an attribute of that name"
    if segment in ("_parameters", "_modules", "_buffers") or (segment.startswith("_") and segment.endswith("_hooks")):
        return "torch.nn.Module has an attribute of that name"
    if top_level and segment in TOP_LEVEL_ATTRIBUTES:
        return "torch.fx.GraphModule has an attribute of that name"
    return None
