"""What providers push: kept before it is answered, spooled while the database is away."""
