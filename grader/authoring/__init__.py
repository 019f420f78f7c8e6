"""Prove, release and extend a course: the commands of its authors."""
