"""Where runs are made: in processes here, or on a Ray cluster."""
