"""Pictures of recordings, features and trainings, by matplotlib."""
