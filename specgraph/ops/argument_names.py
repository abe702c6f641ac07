"""What names of arguments stand for, whichever op has them."""

DETAILS = {
    "bias", "eps", "momentum", "affine", "elementwise_affine", "track_running_stats", "count_include_pad",
    "init_value", "approximate", "alpha", "beta", "k", "align_corners", "padding_mode", "return_indices",
}  # fmt: skip
"""Numbers and switches that a short description of a layer leaves out, as papers do."""

AMBIGUOUS = ("affine", "dim", "dims", "start_dim", "end_dim")
"""Arguments whose values mean, or may mean, something else under a name of another tool."""
