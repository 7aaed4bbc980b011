"""Models and policies, what was found about them, and which of them may trade."""
