"""The autograder for Gradescope: the archive that is uploaded, and what runs there."""
