include("frozen.py", opt=3)
