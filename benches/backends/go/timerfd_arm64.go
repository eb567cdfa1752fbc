package main

const (
	sysTimerfdCreate  = 85
	sysTimerfdSettime = 86
)
