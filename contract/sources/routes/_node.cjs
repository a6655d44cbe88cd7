// Loads an application of Express, Fastify or Nest and writes its routes: `node _node.cjs KIND FILE NAME ANSWER`.
//
// The framework is taken from where the application takes it, and watched while the application sets itself up, because
// Express does not keep the path of a mount. Nothing listens: `listen` of every server does nothing here.
'use strict'

const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const Module = require('node:module')
const { fileURLToPath, pathToFileURL } = require('node:url')

const [kind, file, name, answer] = process.argv.slice(2)
const exit = process.exit.bind(process)

function finish(value) {
  fs.writeFileSync(answer, JSON.stringify(value))
  exit(0)
}

class Told extends Error {}

net.Server.prototype.listen = function () { return this }
process.exit = (code) => { throw new Error(`process.exit(${code ?? ''}) was called`) }
// What fails beside it, such as a connection to a database, changes nothing of the routes; it is told if none are found.
let aside = null
let doing = 'importing it'
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => { aside ??= error })
process.on('beforeExit', () => finish(thrown(doing, aside ?? new Told('it never finishes loading'))))

// --- where ------------------------------------------------------------------------------------------------------------

function frames(error) {
  return String(error?.stack ?? '').split('\n').slice(1).map((line) => {
    const found = /(?:\(|at )((?:file:\/\/)?[^()\s][^()]*):(\d+):\d+\)?$/.exec(line.trim())
    if (!found) return null
    return { file: found[1].startsWith('file:') ? fileURLToPath(found[1]) : found[1], line: Number(found[2]) }
  }).filter((frame) => frame && path.isAbsolute(frame.file) && frame.file !== __filename)
}

/** The first line of the application's own code that led here. */
function place(error = new Error()) {
  return frames(error).find((frame) => !frame.file.split(path.sep).includes('node_modules')) ?? null
}

function thrown(doing, error) {
  if (error instanceof Told) return { failed: error.message }
  // The parser writes the place of a SyntaxError before the message.
  const syntax = /^(\/[^\n]*|[A-Z]:[^\n]*|file:[^\n]*):(\d+)\n/.exec(String(error?.stack ?? ''))
  return {
    failed: null, doing, type: error?.name ?? 'Error', code: error?.code ?? null,
    message: String(error?.message ?? error).split('\n')[0],
    place: syntax ? { file: syntax[1].replace(/^file:\/\//, ''), line: Number(syntax[2]) } : place(error),
  }
}

const local = Module.createRequire(file)

/** What the application would get for this package; null where it has none. */
function installed(wanted) {
  try {
    return local(wanted)
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}

// --- Express ----------------------------------------------------------------------------------------------------------

const express = {
  MOUNT: Symbol('path of a mount'), INNER: Symbol('application of a mount'), PLACE: Symbol('place of a route'),
  patched: new WeakSet(), made: [],

  prepare() {
    const load = Module._load
    Module._load = function (...given) {
      const found = load.apply(this, given)
      if (typeof found === 'function' && found.application?.handle && found.Router && found.Route) express.watch(found)
      return found
    }
    installed('express')
  },

  watch(module) {
    if (express.patched.has(module)) return
    express.patched.add(module)
    // Express 4 puts the methods on the function itself, Express 5 on its prototype.
    const router = Object.hasOwn(module.Router, 'use') ? module.Router : module.Router.prototype
    const { use, route } = router
    const { init, use: useApplication } = module.application
    router.use = function (...given) {
      const before = this.stack.length
      const result = use.apply(this, given)
      let first = given[0]
      while (Array.isArray(first) && first.length > 0) first = first[0]
      for (const layer of this.stack.slice(before)) layer[express.MOUNT] = typeof first === 'function' ? '/' : given[0]
      return result
    }
    router.route = function (...given) {
      const result = route.apply(this, given)
      result[express.PLACE] = place()
      return result
    }
    module.application.init = function (...given) {
      express.made.push(this)
      return init.apply(this, given)
    }
    module.application.use = function (...given) {
      const result = useApplication.apply(this, given)
      const inner = given.flat(Infinity).filter((part) => typeof part === 'function')
      const layers = express.stack(this).slice(-inner.length)
      layers.forEach((layer, at) => { if (express.is(inner[at])) layer[express.INNER] = inner[at] })
      return result
    }
  },

  is: (value) => typeof value === 'function' && typeof value.handle === 'function' && typeof value.set === 'function',
  router: (value) => typeof value === 'function' && Array.isArray(value.stack) && typeof value.route === 'function',

  stack(value) {
    if (Array.isArray(value.stack)) return value.stack
    if (value._router) return value._router.stack
    try {
      return value.router?.stack ?? []
    } catch {
      return [] // the getter of Express 4, which has no router before the first route
    }
  },

  async routes(app) {
    const found = []
    express.walk(express.stack(app), [], found)
    return { routes: found }
  },

  walk(stack, prefix, found, above = []) {
    if (above.includes(stack)) return // a router that is mounted within itself
    for (const layer of stack) {
      const inner = layer[express.INNER] ?? layer.handle
      if (layer.route) {
        const own = layer.route
        for (const at of spelled(own.path, layer)) {
          const handlers = Object.fromEntries(own.stack.map((one) => [one.method ?? '_all', one.handle?.name || null]))
          found.push({ path: [...prefix, at], methods: Object.keys(own.methods), handlers, place: own[express.PLACE] })
        }
      } else {
        const mounted = spelled(layer[express.MOUNT] ?? layer.rawPath ?? (layer.regexp?.fast_slash ? '/' : layer.regexp), layer)
        const nested = express.is(inner) || express.router(inner)
        for (const at of nested || inner?.name === 'serveStatic' ? mounted : []) {
          if (at === null) throw new Told('a router is mounted by a copy of Express that was loaded before it could be watched')
          if (nested) express.walk(express.stack(inner), [...prefix, at], found, [...above, stack])
          else found.push({ path: [...prefix, at], methods: ['get'], handlers: {}, place: null, files: true })
        }
      }
    }
  },
}

/** One path or several, each a text or `{ expression }`; Express 4 keeps the expression that it made of stars and groups. */
function spelled(given, layer) {
  const paths = [given].flat(Infinity)
  const odd = (one) => typeof one === 'string' && /[()*?+[\]]/.test(one.replace(/:\w+(\((?:[^()]|\([^()]*\))*\))?[?+]?/g, ''))
  if (layer.regexp && paths.some(odd)) return [{ expression: named(layer) }]
  return paths.map((one) => {
    if (one instanceof RegExp) return { expression: one.source }
    return typeof one === 'string' ? one : null
  })
}

/** The expression with the names of the parameters, where each has one group. */
function named({ regexp, keys }) {
  const groups = regexp.source.match(/(?<!\\)\((?!\?)/g) ?? []
  if (groups.length !== keys.length) return regexp.source
  let at = 0
  return regexp.source.replace(/(?<!\\)\((?!\?)/g, () => {
    const { name } = keys[at++]
    return typeof name === 'string' ? `(?<${name}>` : '('
  })
}

// --- Fastify ----------------------------------------------------------------------------------------------------------

const fastify = {
  RECORDED: Symbol('routes'), made: [],

  prepare() {
    // Published by every instance as it is made, whichever copy of Fastify and whichever kind of module made it.
    require('node:diagnostics_channel').subscribe('fastify.initialization', ({ fastify: app }) => {
      const found = []
      app[fastify.RECORDED] = found
      app.addHook('onRoute', (route) => {
        found.push({
          path: [route.url], methods: [route.method].flat(), handlers: { _all: route.handler?.name || null }, place: place(),
        })
      })
      fastify.made.push(app)
    })
  },

  is: (value) => typeof value === 'object' && value !== null && Array.isArray(value[fastify.RECORDED]),

  async routes(app) {
    await app.ready()
    return { routes: app[fastify.RECORDED] }
  },
}

// --- Nest -------------------------------------------------------------------------------------------------------------

// Nest sits on one of the two; it registers its routes when it is set up, which `listen` does.
const nest = {
  made: [], listened: null,

  prepare() {
    const core = installed('@nestjs/core/nest-application.js')
    if (!core) throw new Told('the package @nestjs/core is not installed where the file lies')
    const heard = new Promise((resolve) => {
      core.NestApplication.prototype.listen = async function () {
        await this.init()
        nest.made.push(this)
        resolve()
        return this.getHttpServer()
      }
    })
    // The answer to whatever nobody serves is a route of Express, and of no controller.
    core.NestApplication.prototype.registerRouterHooks = async function () {}
    // A script that starts itself does so some time after it is loaded.
    nest.listened = Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 30_000).unref())])
    for (const platform of ['express', 'fastify']) {
      if (!installed(`@nestjs/platform-${platform}`)) continue
      if (platform === 'fastify') fastify.prepare()
      else express.watch(Module.createRequire(local.resolve('@nestjs/platform-express'))('express'))
    }
  },

  is: (value) => typeof value?.getHttpAdapter === 'function' && typeof value.init === 'function',

  async routes(app) {
    await app.init()
    const adapter = app.getHttpAdapter()
    const platform = { express, fastify }[adapter.getType()]
    if (!platform) throw new Told(`it runs on \`${adapter.getType()}\`, and only Express and Fastify are read`)
    return { platform: adapter.getType(), ...(await platform.routes(adapter.getInstance())) }
  },
}

// --- the application --------------------------------------------------------------------------------------------------

/** The application, in an array: an instance of Fastify is thenable, and to await it is to set it up. */
async function application(framework, module) {
  if (name) {
    const called = name.endsWith('()')
    let value = module
    for (const part of (called ? name.slice(0, -2) : name).split('.')) {
      // What CommonJS exports is behind `default` for an import.
      value = value?.[part] ?? (value === module ? module.default?.[part] : undefined)
    }
    if (value === undefined) throw new Told(`it exports no \`${name.replace(/\(\)$/, '')}\``)
    if (called) value = await value()
    if (!framework.is(value)) throw new Told(`\`${name}\` is no application of ${kind}`)
    return [value]
  }
  const exported = [module.default, module.default?.default, module.app, module.default?.app, module.server]
  const shown = exported.find((value) => framework.is(value))
  if (shown) return [shown]
  // A script that only starts its server exports nothing; then it is the one application that nobody mounted.
  if (framework.listened) await framework.listened
  const roots = framework.made.filter((app) => !app.parent)
  if (roots.length === 1) return roots
  if (roots.length > 1) throw new Told(`it makes ${roots.length} applications and exports none`)
  throw new Told(`it exports no application of ${kind}`)
}

async function main() {
  const framework = { express, fastify, nest }[kind]
  try {
    framework.prepare()
    const module = await import(pathToFileURL(file).href)
    await new Promise((resolve) => setImmediate(resolve))
    doing = name.endsWith('()') ? `calling \`${name}\`` : doing
    const [app] = await application(framework, module)
    doing = 'setting it up'
    const found = await framework.routes(app)
    finish(found)
  } catch (error) {
    finish(thrown(doing, error instanceof Told && aside ? aside : error))
  }
}

main()
