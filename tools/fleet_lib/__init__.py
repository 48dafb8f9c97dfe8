"""What tools/fleet, tools/load_demo and the tests from outside are made of."""
