# Writes cohorts.json: the data that every frozen case refers to.
source("common.R")
freeze(lapply(cohorts, function(frame) lapply(frame, I)), "cohorts.json")
