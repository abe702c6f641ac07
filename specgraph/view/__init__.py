"""The viewer: a local page that shows a network, follows its file and applies cures to it."""
