"""Parameterized notebooks as a graph of nodes, executed by papermill and rendered to HTML."""
