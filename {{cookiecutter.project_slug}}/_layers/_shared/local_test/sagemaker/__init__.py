"""A SageMaker for this machine: AWS's API in front of moto, answered by the project's own container or processes.

`api` applies AWS's service model to requests and answers, `modes` refuses what is not supported, `resources` keeps what
was created, `listing` finds it again. `training`, `tuning`, `hosting`, `transform` and `processing` do what SageMaker
does; `storage` is their way to S3 and to the logs, `engines` their way to containers, `region` what they share.
`server` puts it together, `__main__` starts it.
"""
