require "logger"
require "rails"
require "action_controller/railtie"

# Every action answers 200: what is asked is which routes there are.
class AnswersController < ActionController::API
  %i[index create show update destroy archive recent run].each { |name| define_method(name) { head :ok } }
end

module Api
  module V1
    %w[Projects Tasks Dashboards Reports Files Search Users].each do |name|
      const_set("#{name}Controller", Class.new(AnswersController))
    end
  end
end

module Billing
  class InvoicesController < AnswersController
  end

  class Engine < ::Rails::Engine
    isolate_namespace Billing
  end
end

class Status
  def self.call(_env) = [200, { "Content-Type" => "text/plain" }, ["up"]]
end

module Shop
  class Application < Rails::Application
    config.load_defaults 6.1
    config.api_only = true
    config.eager_load = false
    config.secret_key_base = "for tests alone"
    config.hosts.clear
    config.logger = Logger.new($stderr, level: Logger::FATAL)
  end
end
