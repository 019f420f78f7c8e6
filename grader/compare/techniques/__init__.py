"""The techniques that are compared: a class for each, over which all else iterates."""
