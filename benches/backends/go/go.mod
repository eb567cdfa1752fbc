module trine/driver

go 1.19
