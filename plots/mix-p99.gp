# The tail of the waiting requests against the same share.
load style
set xrange [-3:103]
set logscale y
plot @LINES, @RAW, @INVALID
