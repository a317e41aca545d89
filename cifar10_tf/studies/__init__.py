"""Many runs of one config, each in a process of its own, and what they say."""
