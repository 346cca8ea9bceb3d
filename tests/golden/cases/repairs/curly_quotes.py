import smtplib
from email.message import EmailMessage


def send(host, sender, recipient, subject, text):
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message[“Subject”] = subject
    message.set_content(text)
    with smtplib.SMTP(host) as server:
        server.send_message(message)
# output
import smtplib
from email.message import EmailMessage


def send(host, sender, recipient, subject, text):
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message.set_content(text)
    with smtplib.SMTP(host) as server:
        server.send_message(message)
