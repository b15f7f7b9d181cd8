# Writes cohorts.json: the data that every frozen case refers to.
source("common.R")
as_columns <- function(frame) list(
  columns = lapply(frame, function(x) I(if (is.factor(x)) as.character(x) else x)),
  levels = lapply(Filter(is.factor, frame), function(x) I(levels(x))))
freeze(lapply(cohorts, as_columns), file.path(target(), "cohorts.json"))
