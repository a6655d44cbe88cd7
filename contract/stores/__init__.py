"""Where reports and findings are kept between runs; SQLAlchemy and Alembic are imported nowhere else."""
