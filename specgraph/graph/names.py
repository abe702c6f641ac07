"""Names: what a path may look like, and what a compiled module cannot bear."""

from __future__ import annotations

SEGMENT = r"[A-Za-z0-9_-]+"
MAX_NAME = 250
"""Longest name: the name of a file can be no longer, and a path is shown on one line."""

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
"""Attributes of `torch.nn.Module` without a leading underscore (a test compares them with torch)."""

TOP_LEVEL_ATTRIBUTES = frozenset(
    {
        "graph",
        "code",
        "meta",
        "recompile",
        "to_folder",
        "print_readable",
        "delete_all_unused_submodules",
        "delete_submodule",
        "add_submodule",
    }
)
"""What a traced module (`torch.fx.GraphModule`, `torch.export`) needs for itself at its top level."""


PRIVATE_ATTRIBUTES = frozenset(
    [
        "_apply",
        "_backward_hooks",
        "_backward_pre_hooks",
        "_buffers",
        "_call_impl",
        "_compiled_call_impl",
        "_forward_hooks",
        "_forward_hooks_always_called",
        "_forward_hooks_with_kwargs",
        "_forward_inference",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_forward_source",
        "_forward_training",
        "_get_backward_hooks",
        "_get_backward_pre_hooks",
        "_get_name",
        "_is_full_backward_hook",
        "_load_from_state_dict",
        "_load_state_dict_post_hooks",
        "_load_state_dict_pre_hooks",
        "_maybe_warn_non_full_backward_hook",
        "_modules",
        "_named_members",
        "_non_persistent_buffers_set",
        "_parameters",
        "_register_load_state_dict_pre_hook",
        "_register_state_dict_hook",
        "_replicate_for_data_parallel",
        "_save_to_state_dict",
        "_slow_forward",
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_takes",
        "_version",
        "_wrapped_call_impl",
    ]
)
"""Attributes with an underscore in front: those of `torch.nn.Module`, and of the modules made here."""


def reserved_reason(segment: str, *, top_level: bool) -> str | None:
    """Why a path segment cannot be a submodule's name, or None."""
    if segment in MODULE_ATTRIBUTES or segment in PRIVATE_ATTRIBUTES or segment.startswith("__"):
        return "torch.nn.Module has an attribute of that name"
    if top_level and segment in TOP_LEVEL_ATTRIBUTES:
        return "torch.fx.GraphModule has an attribute of that name"
    return None
