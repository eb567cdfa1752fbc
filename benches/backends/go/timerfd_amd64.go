package main

const (
	sysTimerfdCreate  = 283
	sysTimerfdSettime = 286
)
