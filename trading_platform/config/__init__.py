"""Configuration: JSON in human units -> frozen pydantic models -> exact integer records of the core."""
