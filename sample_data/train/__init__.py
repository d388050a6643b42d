"""How the two small models of the sample world are trained; needs torch and open_clip."""
