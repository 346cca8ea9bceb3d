from flask import Flask, request

app = Flask(__name__)
tasks = []


@app.route("/tasks", methods=["GET"])
def list_tasks():
    return {"tasks": tasks}


@app.route("/tasks", methods=["POST"]
def add_task():
    tasks.append(request.json["text"])
    return {"count": len(tasks)}
# output
from flask import Flask, request

app = Flask(__name__)
tasks = []


@app.route("/tasks", methods=["GET"])
def list_tasks():
    return {"tasks": tasks}


@app.route("/tasks", methods=["POST"])
def add_task():
    tasks.append(request.json["text"])
    return {"count": len(tasks)}
