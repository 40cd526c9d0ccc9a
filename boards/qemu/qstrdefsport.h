// *FORMAT-OFF*
Q(/chips)
