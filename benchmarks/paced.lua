-- For wrk: each connection waits before it asks again, so that 16 of them ask a good 2,000 times a second.
function delay()
  return math.random(3, 6)
end
