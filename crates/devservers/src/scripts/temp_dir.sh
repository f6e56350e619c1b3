# No server: the supervisor only removes the folder at the end.
prepare() { :; }
launch() { :; }
