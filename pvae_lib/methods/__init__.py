"""Every baseline, peer and model, behind one surface."""
