python -m gunicorn --bind=0.0.0.0:8080 'inference_server:create_app()'
