# By pinning: a named axis, one place a way to pin.
load style
set logscale y
eval "set xtics (".ticks.")"
set xrange [-0.5:nticks-0.5]
plot @MARKS, @RAW, @INVALID
