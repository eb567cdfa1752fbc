# The noise floor: the spread between repetitions, every series in order of it; the band is the 3 % of a steady batch.
load style
set logscale y
set xrange [0:100]
plot 3 with lines lc rgb "#808080" lw 1 dt 3 title "3 %", for [b in present] data index b.':' using 1:2 with linespoints ls number(b) ps 0.5 title b
