"""The processes of the world, one module each; `crmlab.simulate.registry` finds and orders them."""
