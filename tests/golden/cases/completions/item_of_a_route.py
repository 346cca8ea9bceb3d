from flask import (
    Flask,
    abort,
    jsonify,
    request,
)

app = Flask(__name__)
items = {}


@app.get("/items/<int:item_id>")
def show(item_id):
    if item_id not in items:
        abort(404)
    return jsonify(items[█


@app.post("/items")
def create():
    item = request.get_json()
    item_id = len(items) + 1
    items[item_id] = item
    return jsonify(item), 201
# output
item_id])
