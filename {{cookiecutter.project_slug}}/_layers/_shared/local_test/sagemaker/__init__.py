"""A SageMaker for this machine: AWS's API in front of moto, answered by the project's own container or processes.

`api` is what AWS's service model says of requests and answers, `modes` what is not there, `resources` what was
created, `listing` how it is found again. `training`, `tuning`, `hosting`, `transform` and `processing` do what
SageMaker does; `storage` is their way to S3 and to the logs, `engines` their way to containers, `region` what they
share. `server` puts it together, `__main__` starts it.
"""
