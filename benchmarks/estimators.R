# The R side of estimators.py: reads the columns it wrote, times one operation, prints seconds and peak MiB as JSON.
library(survival)
arguments <- commandArgs(TRUE)
folder <- arguments[1]; operation <- arguments[2]
read <- function(name, what) { file <- file.path(folder, name); readBin(file, what, file.size(file) / 8) }
time <- read("time", "double"); event <- read("event", "double")
covariates <- data.frame(sapply(sprintf("x%d", 1:8), read, what = "double"))
group <- covariates$x1
invisible(gc(reset = TRUE))
clock <- system.time(found <- switch(operation,
  kaplan_meier = survfit(Surv(time, event) ~ 1, conf.type = "log-log"),
  logrank = survdiff(Surv(time, event) ~ group),
  cox = coxph(Surv(time, event) ~ ., data = covariates)))
answer <- switch(operation, kaplan_meier = sum(found$surv), logrank = found$chisq, cox = sum(coef(found)))
peak <- sum(gc()[, 6])
cat(sprintf('{"seconds": %.3f, "processor_seconds": %.3f, "peak_mib": %.0f, "answer": %.10g}\n',
            clock[["elapsed"]], clock[["user.self"]] + clock[["sys.self"]], peak, answer))
