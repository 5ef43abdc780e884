"""What was done in turns, and why: recorded without anybody's words, and put in order for whoever asks."""
