"""What the commands for operators share, and what each of them does."""
