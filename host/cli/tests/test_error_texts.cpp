// All error texts
