"""What every protocol of the venue is served with: the loop, sockets, answers, control."""
