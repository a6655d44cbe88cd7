from django.urls import path

from library import views

urlpatterns = [
    path("books", views.Books.as_view()),
    path("books/<int:book_id>", views.Book.as_view()),
]
