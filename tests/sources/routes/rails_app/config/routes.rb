Billing::Engine.routes.draw { resources :invoices, only: %i[index show] }

Rails.application.routes.draw do
  namespace :api do
    namespace :v1 do
      resources :projects, constraints: { id: /\d+/ } do
        resources :tasks, only: %i[index create], shallow: true
        member { post :archive }
        collection { get :recent }
      end
      resource :dashboard, only: :show
      get "reports/:year", to: "reports#show", constraints: { year: /\d{4}/ }
      get "files/*path", to: "files#show", format: false
      get "trees/:branch", to: "files#show", constraints: { branch: /.+/ }, format: false
      match "search", to: "search#run", via: %i[get post]
      match "anything", to: "search#run", via: :all
      get "users(/:id)", to: "users#show"
    end
  end
  get "old", to: redirect("/api/v1/projects")
  mount Status, at: "/status"
  mount Billing::Engine, at: "/billing"
end
