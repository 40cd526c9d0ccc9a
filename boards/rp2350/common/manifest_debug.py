include("frozen.py", opt=0)
