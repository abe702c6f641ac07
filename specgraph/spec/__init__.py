"""Where plug-ins of version 0.1 found kinds of arguments. Everything that they need is in `specgraph.plugin`."""
