"""The mails that wait to be sent: `worker.py` runs `Sender`."""
