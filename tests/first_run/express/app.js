const express = require('express')

const app = express()
const todos = new Map([[1, {id: 1, text: 'buy milk', done: false}]])

app.use(express.json())

app.get('/todos', (req, res) => res.json([...todos.values()]))

app.post('/todos', (req, res) => {
  if (typeof req.body?.text !== 'string') return res.status(400).json({error: 'a text is needed'})
  const todo = {id: todos.size + 1, text: req.body.text, done: false}
  todos.set(todo.id, todo)
  res.status(201).json(todo)
})

app.patch('/todos/:id', (req, res) => {
  const todo = todos.get(Number(req.params.id))
  if (!todo) return res.status(404).json({error: 'no such todo'})
  todo.done = Boolean(req.body?.done)
  res.json(todo)
})

module.exports = app
