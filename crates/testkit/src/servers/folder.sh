# A supervisor without a server: it only removes its folder at the end.
prepare() { :; }
launch() { :; }
