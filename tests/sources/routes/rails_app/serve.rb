# Serves the application on a free port of loopback, and prints it.
require_relative "config/environment"
require "rack/handler/webrick"
require "webrick"

server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: 0, Logger: WEBrick::Log.new($stderr, 1), AccessLog: [])
server.mount("/", Rack::Handler::WEBrick, Rails.application)
puts server.config[:Port]
$stdout.flush
server.start
